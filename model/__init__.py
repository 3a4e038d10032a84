"""What RFC 6455 says: vocabulary, rules, machine and wire format, with no input, output, clock or chance."""
