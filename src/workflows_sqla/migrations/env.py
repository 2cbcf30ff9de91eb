"""Alembic runs this to run the migrations, on the connection that `schema.upgrade` opened."""

from alembic import context

from workflows_sqla.schema import VERSION_TABLE
from workflows_sqla.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
