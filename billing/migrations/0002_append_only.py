from pathlib import Path

from django.db import migrations

HERE = Path(__file__).parent


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=(HERE / "0002_append_only.sql").read_text(),
            reverse_sql=(HERE / "0002_append_only.reverse.sql").read_text(),
        )
    ]
