"""Alembic's entry: always online, on the connection that ``hub.store.schema`` opened."""

from alembic import context

from hub.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
