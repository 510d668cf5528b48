"""Who read which film with which model, in lines of which none can be taken out unnoticed."""
