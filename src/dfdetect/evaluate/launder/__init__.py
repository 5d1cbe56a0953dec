"""What happens to pictures and clips on their way: compression, resizing, messengers, screenshots, captions, filters.

grid       every cell of the laundering grid by name: CLEAN and GRID, frozen
shot       the pictures that are laundered: a still, or one second from the middle of a clip
steps      one change each: picture in, picture out
overlays   what is drawn over a face: text, logo, emoji, border, sticker
files      a laundered shot as the file that a user would have
"""
