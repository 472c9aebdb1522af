"""Reads the result of a query from a database."""

import pandas as pd

from tamis.core.errors import DataError, ParameterError
from tamis.core.extras import require
from tamis.data.layout import Layout, Reading
from tamis.data.sources.typed import columns_of, tidy, unique_names


def read_sql(url: str, query: str | None) -> Reading:
    """Run a query and return its rows.

    Parameters
    ----------
    url : str
        As SQLAlchemy writes it, such as 'sqlite:///file.db'.
    query : str
        The SQL text.

    Raises
    ------
    DataError
        Where the database cannot be reached, the query fails, or gives no rows. Passwords are not shown.
    ParameterError
        Where there is no query.
    """
    alchemy = require("sqlalchemy", "sql")
    try:
        shown = alchemy.engine.make_url(url).render_as_string(hide_password=True)
    except alchemy.exc.SQLAlchemyError as error:
        raise DataError("The database URL cannot be understood; write it as in 'sqlite:///file.db'.") from error
    if query is None or not query.strip():
        raise ParameterError(f"The parameter 'query' must be the SQL text to run on {shown}; got {query!r}.")
    try:
        engine = alchemy.create_engine(url)
        try:
            with engine.connect() as connection:
                result = connection.execute(alchemy.text(query))
                names = [str(name) for name in tuple(result.keys())]
                rows = [tuple(row) for row in result.fetchall()]
        finally:
            engine.dispose()
    except (alchemy.exc.SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DataError(f"{shown}: the query failed: {reason}. Check the URL, the driver and the query.") from error
    if not rows:
        raise DataError(f"{shown}: the query gave no rows; a table needs at least one.")
    columns = zip(unique_names(names), zip(*rows, strict=True), strict=True)
    frame, notes = tidy(pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns}), shown)
    return Reading(
        frame, [f"{len(frame):,} rows from {shown}", *notes], Layout(format="sql", columns=columns_of(frame))
    )
