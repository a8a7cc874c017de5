"""What Stripe sends and what it means: verification, parsing, orders, contexts. The only importer of ``stripe``."""
