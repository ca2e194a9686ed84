"""What a pipeline does with the store.

Services are functions whose first argument is a unit of work. They see nothing else of the store,
never commit, and so work alike on the in-memory store and on databases, and can be combined in one
transaction.
"""
