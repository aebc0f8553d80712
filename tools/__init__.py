"""What `./dev` is made of: the standard library only, so that a bare Debian runs it."""
