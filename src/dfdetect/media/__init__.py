"""bytes -> frames: the one boundary behind which untrusted media is decoded."""
