import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tables", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="View",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=128)),
                ("is_default", models.BooleanField(default=False)),
                ("layout", models.JSONField(default=dict)),
                ("filter", models.JSONField(blank=True, null=True)),
                ("sort", models.TextField(blank=True, default="")),
                ("search", models.TextField(blank=True, default="")),
                ("position", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "table",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="views", to="tables.table"
                    ),
                ),
            ],
            options={
                "ordering": ("-is_default", "position", "id"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)), fields=("table",), name="one_default_view_per_table"
                    )
                ],
            },
        ),
    ]
