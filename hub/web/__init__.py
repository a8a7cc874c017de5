"""HTTP: the webhook, health, pages. The only importer of Starlette."""
