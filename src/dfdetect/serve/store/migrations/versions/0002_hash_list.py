"""Files that a key has decided on beforehand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hash_list",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name=op.f("fk_hash_list_key_id_keys")),
        sa.PrimaryKeyConstraint("key_id", "sha256", name=op.f("pk_hash_list")),
    )


def downgrade() -> None:
    op.drop_table("hash_list")
