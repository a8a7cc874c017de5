"""Everything durable: the journal, orders, deliveries, stock. The only importer of SQLAlchemy."""
