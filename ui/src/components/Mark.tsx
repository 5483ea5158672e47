// The mark of Weir: water over a weir.
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M5 11c4 0 4 3 7.3 3s3.7-3 7.4-3 3.7 3 7.3 3M5 18c4 0 4 3 7.3 3s3.7-3 7.4-3 3.7 3 7.3 3" />
    </svg>
  );
}
