
näme = "é"
print(näme)
