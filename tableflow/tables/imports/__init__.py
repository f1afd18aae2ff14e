"""Files into tables: `upload` receives one, `plan` says which field goes where, `load` brings the rows in.

Laws: a bad line is rejected as a whole, counted and listed, and never loses the good ones; a batch of lines, its
progress and its rows are one transaction, so that a load that died goes on where it was and no line lands twice;
only who holds the import's fence writes.
"""
