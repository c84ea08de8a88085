"""Binary masks and label images: Betti numbers, shared and listed features, specks, instances."""
