namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Whatever a test is about: no secret that it gave to a gateway stands in what that gateway wrote.</summary>
internal static class SecretScan
{
    private const int Least = SecretShapes.Tail;

    private static readonly string[] Names = ["_API_KEY", "_API_KEYS", "_TICKET", "_KEY", "_URL"];

    public static void AssertNone(IEnumerable<KeyValuePair<string, string>> variables, string text)
    {
        foreach (var (name, value) in variables.Where(variable => Array.Exists(Names, end => variable.Key.EndsWith(end, StringComparison.Ordinal))))
        {
            foreach (var secret in SecretsOf(name, value).Where(secret => secret.Length >= Least))
            {
                // The end of a short one may be a word of its own.
                foreach (var shape in SecretShapes.Of(secret).Where(shape => shape.Length > SecretShapes.Tail || secret.Length >= SecretShapes.Tail * 2))
                {
                    if (text.Contains(shape, StringComparison.Ordinal))
                    {
                        throw new InvalidOperationException($"The secret of {name} stands in what the gateway wrote.");
                    }
                }
            }
        }
    }

    /// <summary>The keys of pairs, the password of an address, all else as it is.</summary>
    private static IEnumerable<string> SecretsOf(string name, string value)
    {
        if (name.EndsWith("_KEYS", StringComparison.Ordinal))
        {
            return value.Split(',').Select(pair => pair[(pair.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());
        }

        if (name.EndsWith("_URL", StringComparison.Ordinal))
        {
            return Uri.TryCreate(value, UriKind.Absolute, out var url) && url.UserInfo.Split(':') is [_, var password] ? [password] : [];
        }

        return [value];
    }
}
