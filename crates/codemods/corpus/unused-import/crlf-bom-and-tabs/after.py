import sys

def f():
	from json import (
		dumps,
	)
	return dumps, sys
