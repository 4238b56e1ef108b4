"""How exact is a recorder? It films a counter that counts keys, and its frames are held against its own log."""
