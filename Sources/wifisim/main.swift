print("wifisim")
