using System.Globalization;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>How long or large a test is made: short by default, as <c>tests/soak.sh</c> says in its long forms.</summary>
internal static class LongForm
{
    public static int Number(string variable, int usual) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : usual;
}
