"""Git says which code a model was made with.

code.py   the commit, and a mark for changes on top of it
"""
