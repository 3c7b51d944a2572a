"""Where controls act: the policy pack of the engine, the admission of a cluster, and the refusal before a change."""
