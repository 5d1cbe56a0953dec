"""The service: a REST API and a page in front of `detect`, with durable jobs.

    upload -> spool (fsync, rename) -> row in `scans` (committed: 202) -> worker claims it with a lease -> child decodes
           -> objects of the result -> one commit that holds only while the lease does -> webhook

SQLite and files in one data folder, or PostgreSQL and shared objects by URL: the same code. Needs no PyTorch.
"""
