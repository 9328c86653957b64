"""Objects as files hold them: shapes, pieces, tables of boxes and points, attributes."""
