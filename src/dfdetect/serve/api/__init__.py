"""API v1: routes over the store. Nothing is decided here that a policy, a quota or a guard should decide."""
