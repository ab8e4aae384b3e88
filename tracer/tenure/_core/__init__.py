"""What every other room stands on: the buffer, the layout of a record, drops and faults, our own code's place."""
