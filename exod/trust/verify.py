"""Package + trust + date → VerifiedPackage or Refusal. Opens no file, reads no clock."""
