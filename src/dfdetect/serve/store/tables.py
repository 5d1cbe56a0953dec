"""The tables. Times are seconds since 1970 (UTC) as floats; ids are random, 128 bits, and tell nothing."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Who may ask. Keys are kept as SHA-256 of 256 random bits: nothing to guess, so no slow hash is needed.
keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("secret_sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("scopes", sa.String(100), nullable=False),  # words of `serve.access.SCOPES`, separated by spaces
    sa.Column("visitor", sa.Boolean, nullable=False, default=False),  # an anonymous browser of a public page
    sa.Column("scans_per_hour", sa.Integer, nullable=False),  # 0 = no limit
    sa.Column("scans_at_once", sa.Integer, nullable=False),  # queued or running; 0 = no limit
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("revoked_at", sa.Float),
)

# One scan: what was asked, how far it is, what came. The queue is this table (serve.jobs).
scans = sa.Table(
    "scans",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("key_id", sa.String(40), sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    # what was asked
    sa.Column("external_id", sa.String(200)),
    sa.Column("batch_id", sa.String(40)),
    sa.Column("lane", sa.Integer, nullable=False),  # 0 live, 1 batch: lower goes first
    sa.Column("model", sa.String(300), nullable=False),
    sa.Column("model_sha256", sa.String(64), nullable=False),  # of the bundle as it was when the scan was asked for
    sa.Column("policy", sa.String(100), nullable=False),
    sa.Column("callback_url", sa.String(2000)),
    sa.Column("source_url", sa.String(2000)),
    sa.Column("asker_sha256", sa.String(64)),  # of a visitor's address with the day and a secret: for the quota alone
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("filename", sa.String(500)),  # as the user called it: shown escaped, never a path
    sa.Column("media_object", sa.String(300)),  # None once deleted
    sa.Column("keep_media_s", sa.Float, nullable=False),  # after it is done; 0 = deleted when done
    sa.Column("keep_result_s", sa.Float, nullable=False),
    sa.Column("rescan_of", sa.String(40)),
    # how far it is
    sa.Column("status", sa.String(20), nullable=False),  # a word of `serve.jobs.STATUSES`
    sa.Column("stage", sa.String(20)),
    sa.Column("progress", sa.Float),  # 0..1 of the frames
    sa.Column("not_before", sa.Float, nullable=False),
    sa.Column("worker", sa.String(100)),
    sa.Column("lease_until", sa.Float),
    sa.Column("fence", sa.Integer, nullable=False),  # grows with every claim; a result with an old one is refused
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("cancel_asked", sa.Boolean, nullable=False, default=False),
    sa.Column("started_at", sa.Float),
    # what came
    sa.Column("completed_at", sa.Float),
    sa.Column("verdict", sa.String(40)),
    sa.Column("decision", sa.String(20)),
    sa.Column("decided_by", sa.String(120)),
    sa.Column("error", sa.JSON),  # an ErrorInfo; with `dead_letter` when every attempt ended abnormally
    sa.Column("result_prefix", sa.String(300)),  # folder of the result's objects
    sa.Column("media_deleted_at", sa.Float),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Index("ix_scans_queue", "status", "lane", "not_before", "created_at"),
    sa.Index("ix_scans_lease", "status", "lease_until"),
    sa.Index("ix_scans_key", "key_id", "created_at", "id"),
    sa.Index("ix_scans_same", "key_id", "sha256", "model_sha256", "policy"),
    sa.Index("ix_scans_asker", "asker_sha256", "created_at"),
    sa.Index("ix_scans_batch", "batch_id"),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("scan_id", sa.String(40), sa.ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),  # schema dfdetect.scan/1, unchanged
)

# The same request twice gives the same answer: the first one to commit its key wins.
idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key_id", sa.String(40), sa.ForeignKey("keys.id"), primary_key=True),
    sa.Column("idempotency_key", sa.String(200), primary_key=True),
    sa.Column("request_sha256", sa.String(64), nullable=False),
    sa.Column("scan_id", sa.String(40), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

# What a person said of a scan: kept apart from what the model said, and never taken for it.
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("scan_id", sa.String(40), sa.ForeignKey("scans.id", ondelete="CASCADE"), nullable=False),
    sa.Column("label", sa.String(20), nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("by", sa.String(200)),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Index("ix_feedback_scan", "scan_id", "created_at"),
)

# Files that a key has decided on beforehand, by their content.
hash_list = sa.Table(
    "hash_list",
    metadata,
    sa.Column("key_id", sa.String(40), sa.ForeignKey("keys.id"), primary_key=True),
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("decision", sa.String(20), nullable=False),
    sa.Column("reason", sa.String(1000)),
    sa.Column("created_at", sa.Float, nullable=False),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("key_id", sa.String(40), sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("external_id", sa.String(200)),
    sa.Column("callback_url", sa.String(2000)),
    sa.Column("closed", sa.Boolean, nullable=False, default=False),  # no more scans will be added
    sa.Column("told", sa.Boolean, nullable=False, default=False),  # batch.completed has been written
    sa.Column("created_at", sa.Float, nullable=False),
)

# One message to one address, with its own queue: next_at, attempts, lease (serve.webhooks).
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),  # the webhook-id: the same on every attempt
    sa.Column("key_id", sa.String(40), sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("subject_id", sa.String(40), nullable=False),  # the scan or batch
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("url", sa.String(2000), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),  # waiting, delivered, given_up
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.Float, nullable=False),
    sa.Column("lease_until", sa.Float),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.String(500)),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("done_at", sa.Float),
    sa.Index("ix_deliveries_queue", "status", "next_at"),
    sa.Index("ix_deliveries_subject", "subject_id"),
)

# Signing secrets of a key's webhooks: at most two live at once, so that they can be rotated without a gap.
webhook_secrets = sa.Table(
    "webhook_secrets",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("key_id", sa.String(40), sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("secret", sa.String(120), nullable=False),  # needed in clear to sign with
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float),
)

# Log-ins of the page: the cookie's random value is kept as its SHA-256.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_sha256", sa.String(64), primary_key=True),
    sa.Column("key_id", sa.String(40), sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
)

# Random secrets of the service itself, made once: `name` -> value.
secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(120), nullable=False),
)

# Worker processes that were seen lately: for /readyz and for the eye.
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("models", sa.String(500), nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
)

# Who did what, without media: kept when the scan itself is deleted.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("key_id", sa.String(40)),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject_id", sa.String(40)),
    sa.Column("request_id", sa.String(40)),
    sa.Column("detail", sa.String(500)),
)
