"""What the service remembers: tables, how they are opened, how they change from version to version."""
