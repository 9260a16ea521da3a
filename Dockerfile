# One image for every process of the product; the command says which one it is.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --requirement requirements.txt

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STATIC_ROOT=/srv/static \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin zaaz
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/zaaz
COPY . .
# The names must be there for the settings to load; nothing here is used at run time.
RUN SECRET_KEY=only-for-collecting-the-static-files \
    JWT_SIGNING_KEY=only-for-collecting-the-static-files \
    API_KEY_PEPPER=only-for-collecting-the-static-files \
    FIELD_ENCRYPTION_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    DATABASE_URL=postgres://nobody@localhost/nothing \
    SIMULATOR_ENABLED=true \
    python manage.py collectstatic --noinput \
    && mkdir -p /tmp/metrics && chown zaaz /tmp/metrics
USER zaaz
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "zaaz.wsgi:application"]
