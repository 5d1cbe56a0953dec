"""frames -> faces: detect, landmarks, quality, track, and the one crop function."""
