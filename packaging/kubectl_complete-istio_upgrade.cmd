@rem kubectl runs this program to complete the words after `kubectl istio-upgrade`.
@kubectl-istio_upgrade complete -- %*
