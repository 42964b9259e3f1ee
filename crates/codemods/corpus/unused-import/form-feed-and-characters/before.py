
näme = "é"; import os
print(näme)
