"""What a control is: its file, its verdicts, what a check may use, and the norms that it cites."""
