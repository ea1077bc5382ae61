namespace LlmGateway.Model;

/// <summary>A name of the client's own choosing as an error message quotes it: bounded, and never cut inside a character.</summary>
internal static class ShortName
{
    private const int MaxLength = 64;

    public static string Of(string name)
    {
        if (name.Length <= MaxLength)
        {
            return name;
        }

        return name[..(char.IsHighSurrogate(name[MaxLength - 1]) ? MaxLength - 1 : MaxLength)] + "…";
    }
}
