"""An EvalReport as files to read: one self-contained page, Markdown for a repository, JSON for programs."""
