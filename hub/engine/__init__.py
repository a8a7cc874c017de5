"""The path of an order: intake, planning, delivery. See ``docs/architecture.md``."""
