# about the system

print()
