"""Readers of file formats, which run in a throw-away child process.

Belongs here: one module per family of formats, turning a file from a stranger into columns with their codes as
deposited and into what the file says of itself.
Not here: finding files and starting the child (ingest, sandbox), and what a code means (clean, by the catalogue).

A reader module has two functions. `contents(path, options, where)` returns `model.Contents` without reading data;
`table(path, names, options, where)` returns a `pyarrow.Table` of those columns, named as the file spells them: text
columns as string, numeric ones as float64, one row for every respondent of the file. Both raise `IngestError` for
whatever is wrong with the file, and import no pandas, so that a child starts quickly.

`path` may be a bare descriptor such as `/proc/self/fd/5`, so that nobody can swap the file: it opens the same file
however often it is opened, and its name says nothing. What the file is stands in `options.format`, never in a suffix,
and its name for messages in `where`.
"""
