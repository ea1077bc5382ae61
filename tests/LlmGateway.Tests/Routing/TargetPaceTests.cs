using LlmGateway.Routing;

namespace LlmGateway.Tests.Routing;

public sealed class TargetPaceTests
{
    private readonly FakeTime _time = new();

    [Fact]
    public void Average_FewerThanThreeSamples_IsUnknown()
    {
        var pace = new TargetPace(_time);

        pace.Add(TimeSpan.FromSeconds(1));
        pace.Add(TimeSpan.FromSeconds(2));
        Assert.Null(pace.Average);
        pace.Add(TimeSpan.FromSeconds(3));

        Assert.Equal(TimeSpan.FromSeconds(2), pace.Average);
    }

    [Fact]
    public void Add_SoonAfter_WeighsAFifth()
    {
        var pace = Measured(seconds: 10);

        pace.Add(TimeSpan.Zero);

        Assert.Equal(8, pace.Average!.Value.TotalSeconds, 3);
    }

    [Fact]
    public void Add_LongAfter_CountsForAlmostAll()
    {
        var pace = Measured(seconds: 10);

        _time.Advance(TimeSpan.FromMinutes(10));
        pace.Add(TimeSpan.FromSeconds(1));

        Assert.Equal(1, pace.Average!.Value.TotalSeconds, 2);
    }

    [Fact]
    public void WantsMeasurement_UnderWay_IsCounted()
    {
        var pace = new TargetPace(_time);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(pace.WantsMeasurement);
            pace.BeginMeasurement();
        }

        Assert.False(pace.WantsMeasurement);
        pace.EndMeasurement();
        Assert.True(pace.WantsMeasurement);
    }

    private TargetPace Measured(double seconds)
    {
        var pace = new TargetPace(_time);
        for (var i = 0; i < TargetPace.EnoughSamples; i++)
        {
            pace.Add(TimeSpan.FromSeconds(seconds));
        }

        return pace;
    }
}
