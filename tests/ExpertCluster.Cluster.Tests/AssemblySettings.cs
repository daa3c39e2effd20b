// Clusters of one test must not disturb the tensor counts and the patience of another; two cores are few anyway.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
