# Tables that generators make for fhir/ at build time, from data in the tree.
