"""A person plays the model: a page on 127.0.0.1 sends their input, and the model answers frame by frame.

person.py      the page's input events -> actions as a recorder writes them (keys.py: its keys)
live.py        such actions -> what the model is given, by the encoder that training uses
game.py        one play of one clip: true frames, then the model's
film.py        the frames and actions of a play, for saving
controller.py  the one viewer, the pace of the frames, and the page's commands
server.py      pages and the web socket
page/          the page's files
"""
