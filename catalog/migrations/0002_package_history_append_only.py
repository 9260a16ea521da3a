from pathlib import Path

from django.db import migrations

REVERSE = """
DROP TRIGGER package_history_append_only ON catalog_packagehistory;
DROP FUNCTION catalog_refuse_history_change();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), REVERSE),
    ]
