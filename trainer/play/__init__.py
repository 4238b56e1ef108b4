"""A person plays the model: a page on 127.0.0.1 sends what is done, the model answers frame by frame.

person.py    what the browser says -> actions as a recorder writes them (keys.py: its keys)
live.py      such actions -> what the model is given, by the encoder that training uses
game.py      one play of one clip: true frames, then the model's
film.py      what was played, for saving
table.py     the one viewer, the pace, and the commands
server.py    pages and the web socket
page/        the page's files
"""
