namespace LlmGateway.Configuration.Documents;

/// <summary>Finds the known name that a mistyped one was meant to be.</summary>
internal static class NearestName
{
    /// <summary>The nearest of the known names, whatever its distance; null where there is none.</summary>
    public static string? Of(string name, IEnumerable<string> known)
    {
        var text = name.Length > 64 ? name[..64] : name;
        return known.MinBy(candidate => Distance(text.ToLowerInvariant(), candidate.ToLowerInvariant()));
    }

    private static int Distance(string left, string right)
    {
        var previous = new int[right.Length + 1];
        var current = new int[right.Length + 1];
        for (var column = 0; column <= right.Length; column++)
        {
            previous[column] = column;
        }

        for (var row = 1; row <= left.Length; row++)
        {
            current[0] = row;
            for (var column = 1; column <= right.Length; column++)
            {
                var cost = left[row - 1] == right[column - 1] ? 0 : 1;
                current[column] = Math.Min(Math.Min(current[column - 1], previous[column]) + 1, previous[column - 1] + cost);
            }

            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }
}
