from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tables", "0002_views"),
    ]

    operations = [
        migrations.AddField(
            model_name="column",
            name="was",
            field=models.JSONField(
                blank=True, help_text="Of a deleted one: what it was to groups (restoring.py).", null=True
            ),
        ),
    ]
