"""Choose what a person should look at next: unlabelled images worth annotating, and labels that look wrong."""
