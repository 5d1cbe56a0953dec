"""Decoding in a process of its own: what a hostile file can take over, break or hang is not the one that judges it.

    DecodeServer   one helper process a worker, warmed up; forks a child for every file
    ChildReader    the parent's end: like `media.reader.MediaReader`, but every byte of the file is parsed in the child

The child is given an open file and two pipes, nothing else. What it answers is checked like any input (`wire`): no
pickle, no path, no length that the parent has not bounded. It has limits on memory, processor time and file size, and
the parent kills it when its time is up. POSIX only.
"""
