print("isometry")
