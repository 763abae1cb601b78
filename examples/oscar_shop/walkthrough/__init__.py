"""What walks through the shop: a browser, the visits of its customers, and the server they visit."""
